import { sharedStyles } from '../sharedStyles';
import { visuallyHidden } from './visuallyHidden';

export const usePlotStyles = sharedStyles(
  theme => ({
    root: {
      position: 'relative',
      borderRadius: theme.shape.borderRadius,
      '&:focus': { outline: 'none' },
      '&:focus-visible': {
        outline: `2px solid ${theme.palette.primary.main}`,
        outlineOffset: 2,
      },
      // What of uPlot.css this chart needs. A style sheet of its own would need every bundler of an app
      // to load it.
      '& .uplot, & .uplot *': { boxSizing: 'border-box' },
      '& .uplot': { width: 'min-content' },
      '& .u-wrap': { position: 'relative', userSelect: 'none' },
      '& .u-over, & .u-under': { position: 'absolute' },
      '& .u-under': { overflow: 'hidden' },
      '& canvas': { display: 'block', width: '100%', height: '100%' },
      '& .u-over > canvas': { position: 'absolute', pointerEvents: 'none' },
      '& .u-axis': { position: 'absolute' },
      '& .u-select': {
        position: 'absolute',
        pointerEvents: 'none',
        background: theme.palette.action.selected,
        borderLeft: `1px solid ${theme.palette.text.secondary}`,
        borderRight: `1px solid ${theme.palette.text.secondary}`,
        // Without a selection it is 0 pixels wide, and the borders would show.
        '&[style*="width: 0px"]': { display: 'none' },
      },
      '& .u-cursor-x': {
        position: 'absolute',
        left: 0,
        top: 0,
        height: '100%',
        borderRight: `1px solid ${theme.palette.text.secondary}`,
        pointerEvents: 'none',
        willChange: 'transform',
      },
      '& .u-cursor-pt': {
        position: 'absolute',
        left: 0,
        top: 0,
        border: '0 solid',
        borderRadius: '50%',
        // uPlot sets the shorthand on the element.
        backgroundClip: 'padding-box !important',
        pointerEvents: 'none',
        willChange: 'transform',
      },
      '& .u-off': { display: 'none' },
    },
    hidden: visuallyHidden,
  }),
  { name: 'PrometheusPlot' },
);
