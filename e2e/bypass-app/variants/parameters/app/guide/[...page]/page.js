// An open page that takes no other values than those that it is built with.
export const dynamicParams = false;

export function generateStaticParams() {
  return [{ page: ["start"] }];
}

export default async function Guide({ params }) {
  return <h1>PUBLIC-MARK-guide {(await params).page.join("/")}</h1>;
}
