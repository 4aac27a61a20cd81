import {
  makeStyles,
  type StyleRules,
  type Theme,
} from '@material-ui/core/styles';

/**
 * `makeStyles` for styles that several modules use. Its own type is of an inner package of Material UI,
 * which would stand in the declarations and is no dependency.
 */
export function sharedStyles<K extends string>(
  styles: (theme: Theme) => StyleRules<K>,
  options: { name: string },
): () => Record<K, string> {
  return makeStyles(styles, options);
}
