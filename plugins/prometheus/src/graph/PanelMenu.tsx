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
  ['table', 'Table'],
];

export interface PanelMenuProps {
  title: string;
  view: PanelView;
  onView: (view: PanelView) => void;
  /** Missing while there is nothing to save. */
  onSave?: () => void;
  /** Of Prometheus' own interface. */
  expressionUrl?: string;
}

/** What can be done with a panel. */
export function PanelMenu({
  title,
  view,
  onView,
  onSave,
  expressionUrl,
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
        <MenuItem
          disabled={!onSave}
          onClick={() => {
            onSave?.();
            close();
          }}
        >
          Download CSV
        </MenuItem>
        {expressionUrl && (
          <MenuItem
            component="a"
            href={expressionUrl}
            target="_blank"
            rel="noopener noreferrer"
            onClick={close}
          >
            Open in Prometheus
          </MenuItem>
        )}
      </Menu>
    </>
  );
}
