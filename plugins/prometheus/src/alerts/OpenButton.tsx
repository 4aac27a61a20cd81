import IconButton from '@material-ui/core/IconButton';
import CloseIcon from '@material-ui/icons/ExpandLess';
import OpenIcon from '@material-ui/icons/ExpandMore';

interface OpenButtonProps {
  label: string;
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
}

/** Opens and closes what is below. */
export function OpenButton({ label, isOpen, onOpen }: OpenButtonProps) {
  const Icon = isOpen ? CloseIcon : OpenIcon;
  return (
    <IconButton
      size="small"
      aria-label={label}
      aria-expanded={isOpen}
      onClick={() => onOpen(!isOpen)}
    >
      <Icon fontSize="small" />
    </IconButton>
  );
}
