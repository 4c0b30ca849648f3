/** What the server knows of one connection; another connection must log in anew. */
export interface Session {
  readonly connection: number;
  /** Undefined until the login and after the logout. */
  user: string | undefined;
}
