/** What the doctor reads of a package.json. */
export interface Manifest {
  name?: string;
  version?: string;
  workspaces?: string[] | { packages?: string[] };
  backstage?: { role?: string; pluginId?: string };
  scripts?: Record<string, string>;
  exports?: Record<string, unknown>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** The patterns of the workspaces; where nothing says otherwise, those of a new Backstage app. */
export function workspacePatterns({ workspaces }: Manifest): string[] {
  const patterns = Array.isArray(workspaces)
    ? workspaces
    : workspaces?.packages;
  return patterns ?? ['packages/*', 'plugins/*'];
}
