import { excerpt, locate, type Position } from '../position';

/** What is wrong with an annotation, as data. */
export interface AnnotationProblem extends Position {
  annotation: string;
  /** One sentence, without the place. */
  problem: string;
  /** The annotation, the place, the sentence, and the line with a caret below the place. */
  message: string;
}

/**
 * An annotation that cannot be read. Its message is for the author of the catalog file:
 *
 * ```text
 * prometheus.io/rule, line 1, column 4: the parenthesis is not closed
 *   sum(up
 *      ^
 * ```
 */
export class AnnotationError extends Error implements AnnotationProblem {
  override readonly name = 'AnnotationError';
  readonly offset: number;
  readonly line: number;
  readonly column: number;

  constructor(
    readonly annotation: string,
    /** The whole annotation. */
    readonly text: string,
    readonly problem: string,
    offset: number,
  ) {
    const { line, column } = locate(text, offset);
    super(
      `${annotation}, line ${line}, column ${column}: ${problem}\n${excerpt(text, offset)}`,
    );
    this.offset = offset;
    this.line = line;
    this.column = column;
  }

  toProblem(): AnnotationProblem {
    const { annotation, problem, message, offset, line, column } = this;
    return { annotation, problem, message, offset, line, column };
  }
}

/** UTF-16 code units of an annotation that is read. */
export const MAX_ANNOTATION_LENGTH = 65_536;

/** What is wrong with an annotation that is too long to be read, or `undefined`. */
export function lengthProblem(
  annotation: string,
  text: string,
): AnnotationError | undefined {
  return text.length > MAX_ANNOTATION_LENGTH
    ? new AnnotationError(
        annotation,
        text,
        `the annotation has ${text.length} characters, and ${MAX_ANNOTATION_LENGTH} are the most; none of it is read`,
        MAX_ANNOTATION_LENGTH,
      )
    : undefined;
}
