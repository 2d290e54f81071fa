// What the snippets leave to the reader.
declare function validateUser(formData: FormData): Promise<{ id: string; name: string } | null>;
declare function LoginButton(): React.JSX.Element;
declare module "next-intl/middleware" {
  export default function createMiddleware(config: object): (request: import("next/server").NextRequest) => import("next/server").NextResponse;
}
