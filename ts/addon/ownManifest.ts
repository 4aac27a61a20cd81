interface OwnManifest {
  engines: { node: string };
  peerDependencies: Record<string, string>;
}

/** The manifest of this package. */
export function loadManifest(): OwnManifest {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- outside of what tsc compiles
  return require('../../package.json') as OwnManifest;
}
