import Divider from '@material-ui/core/Divider';
import IconButton from '@material-ui/core/IconButton';
import Menu from '@material-ui/core/Menu';
import MenuItem from '@material-ui/core/MenuItem';
import MoreIcon from '@material-ui/icons/MoreVert';
import { useState } from 'react';
import type { GraphType } from '../chart/TimeSeriesChart';

/** How a panel is shown. */
export type PanelView = GraphType | 'table';

const VIEWS: [PanelView, label: string][] = [
  ['line', 'Lines'],
  ['area', 'Areas'],
  ['stacked', 'Stacked areas'],
  ['step', 'Steps'],
  ['timeline', 'State timeline'],
  ['stat', 'Newest values'],
  ['table', 'Table'],
];

/** Something that is on or off. */
export interface PanelSwitch {
  label: string;
  isOn: boolean;
  isDisabled?: boolean;
  onChange: (isOn: boolean) => void;
}

/** Something that is done, or a link. */
export interface PanelAction {
  label: string;
  isDisabled?: boolean;
  onClick?: () => void;
  href?: string;
}

export interface PanelMenuProps {
  title: string;
  view: PanelView;
  onView: (view: PanelView) => void;
  switches: PanelSwitch[];
  actions: PanelAction[];
}

/** What can be done with a panel. */
export function PanelMenu({
  title,
  view,
  onView,
  switches,
  actions,
}: PanelMenuProps) {
  const [anchor, setAnchor] = useState<HTMLElement>();
  const close = () => setAnchor(undefined);
  return (
    <>
      <IconButton
        size="small"
        aria-label={`Options of ${title}`}
        aria-haspopup="menu"
        aria-expanded={anchor !== undefined}
        onClick={({ currentTarget }) => setAnchor(currentTarget)}
      >
        <MoreIcon fontSize="small" />
      </IconButton>
      <Menu anchorEl={anchor} open={anchor !== undefined} onClose={close}>
        {VIEWS.map(([key, label]) => (
          <MenuItem
            key={key}
            dense
            role="menuitemradio"
            aria-checked={view === key}
            selected={view === key}
            onClick={() => {
              onView(key);
              close();
            }}
          >
            {label}
          </MenuItem>
        ))}
        <Divider component="li" />
        {switches.map(({ label, isOn, isDisabled, onChange }) => (
          <MenuItem
            key={label}
            dense
            role="menuitemcheckbox"
            aria-checked={isOn}
            selected={isOn}
            disabled={isDisabled}
            onClick={() => {
              onChange(!isOn);
              close();
            }}
          >
            {label}
          </MenuItem>
        ))}
        <Divider component="li" />
        {actions.map(action => (
          <ActionItem key={action.label} {...action} onClose={close} />
        ))}
      </Menu>
    </>
  );
}

/** Material UI's menu hands its items a reference and a place for the focus. */
function ActionItem({
  label,
  isDisabled,
  onClick,
  href,
  onClose,
  ...rest
}: PanelAction & { onClose: () => void }) {
  return href === undefined ? (
    <MenuItem
      {...rest}
      dense
      disabled={isDisabled}
      onClick={() => {
        onClick?.();
        onClose();
      }}
    >
      {label}
    </MenuItem>
  ) : (
    <MenuItem
      {...rest}
      dense
      component="a"
      href={href}
      target="_blank"
      rel="noopener noreferrer"
      onClick={onClose}
    >
      {label}
    </MenuItem>
  );
}
