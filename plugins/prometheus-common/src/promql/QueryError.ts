import { excerpt, locate, type Position } from '../position';

/** What is wrong with a query, and where. */
export interface QueryProblem {
  /** A sentence without the place. */
  message: string;
  /** In UTF-16 code units from the query's start. */
  offset: number;
}

/**
 * A query that cannot be used. Its message says what is wrong and shows the place:
 *
 * ```text
 * line 1, column 4: the parenthesis is not closed
 *   sum(up
 *      ^
 * ```
 */
export class QueryError extends Error implements Position {
  override readonly name = 'QueryError';
  readonly offset: number;
  readonly line: number;
  readonly column: number;

  constructor(
    readonly query: string,
    /** The sentence alone, without place and excerpt. */
    readonly problem: string,
    offset: number,
  ) {
    const { line, column } = locate(query, offset);
    super(
      `line ${line}, column ${column}: ${problem}\n${excerpt(query, offset)}`,
    );
    this.offset = offset;
    this.line = line;
    this.column = column;
  }
}
