import { WarningPanel } from '@backstage/core-components';
import type { AnnotationProblem } from '@nativestage/backstage-plugin-prometheus-common';
import { makeStyles } from '@material-ui/core/styles';

const useStyles = makeStyles({
  place: { margin: 0, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' },
});

/** What could not be read of an entity's annotations, for the author of its catalog file. */
export function PanelProblems({ problems }: { problems: AnnotationProblem[] }) {
  const classes = useStyles();
  return (
    <>
      {problems.map(problem => (
        <WarningPanel
          key={problem.message}
          severity="warning"
          title={`The annotation ${problem.annotation} cannot be read`}
          defaultExpanded
        >
          <pre className={classes.place}>{problem.message}</pre>
        </WarningPanel>
      ))}
    </>
  );
}
