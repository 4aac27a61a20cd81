import Link from '@material-ui/core/Link';
import type { ReactNode } from 'react';

interface ExternalLinkProps {
  href: string;
  /** For a link that has an icon for its text. */
  label?: string;
  className?: string;
  children: ReactNode;
}

/** A link out of Backstage, which opens in a tab of its own. */
export function ExternalLink({ href, label, ...rest }: ExternalLinkProps) {
  return (
    <Link
      href={href}
      target="_blank"
      rel="noopener noreferrer"
      underline="always"
      aria-label={label}
      title={label}
      {...rest}
    />
  );
}
