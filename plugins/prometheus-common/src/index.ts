export * from './AnswerError';
export * from './alerts/alertGraph';
export * from './alerts/alertState';
export * from './alerts/mergeAlerts';
export * from './alerts/RuleGroup';
export * from './alerts/toAlerts';
export * from './annotations/AnnotationError';
export * from './annotations/alerts';
export * from './annotations/labels';
export * from './annotations/names';
export * from './annotations/panels';
export * from './annotations/rules';
export * from './annotations/serviceNames';
export * from './api';
export * from './http/QueryMethod';
export * from './nonFinite';
export * from './panels/PanelOptions';
export * from './panels/panelsOf';
export {
  type FailAt,
  PANEL_OPTIONS,
  readPanelOptions,
} from './panels/readPanelOptions';
export * from './permissions';
export { clip, type Position } from './position';
export { queryTitle } from './promql/comments';
export * from './promql/enforceMatchers';
export {
  DEFAULT_SCRAPE_INTERVAL,
  fillIntervals,
  type Intervals,
  intervalsOf,
  type IntervalsOptions,
  usesIntervals,
} from './promql/intervals';
export { largestOf } from './promql/largest';
export * from './promql/LabelMatcher';
export * from './promql/QueryError';
export { quote, unquote } from './promql/strings';
export {
  checkQuery,
  checkStructure,
  MAX_QUERY_DEPTH,
  MAX_QUERY_LENGTH,
} from './promql/syntax';
export * from './promql/variables';
export { infosOfWindow, narrowWindow } from './promql/windows';
export * from './range';
export * from './units/formatValue';
export * from './units/inferUnit';
export { BASE_UNITS, type BaseUnit, toUnit, type Unit } from './units/Unit';
