/** `area` fills each series down to zero, `stacked` puts them on top of one another. */
export type GraphType = 'line' | 'area' | 'stacked';
