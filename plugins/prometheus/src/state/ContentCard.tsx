import { EntityInfoCard } from '@backstage/plugin-catalog-react';
import { makeStyles } from '@material-ui/core/styles';
import type { ComponentProps } from 'react';

const useStyles = makeStyles(
  {
    root: {
      // As high as the page, it would push what is below it out of sight.
      '&&': { height: 'auto' },
      // Else the longest name would push the menu out of the card's padding.
      '& .bui-CardHeader .bui-Flex .bui-Flex': { flexShrink: 0 },
    },
  },
  { name: 'PrometheusContentCard' },
);

/** A card as Backstage's own beside it, and as high as what is in it. */
export function ContentCard(
  props: Omit<ComponentProps<typeof EntityInfoCard>, 'className'>,
) {
  const classes = useStyles();
  return <EntityInfoCard {...props} className={classes.root} />;
}
