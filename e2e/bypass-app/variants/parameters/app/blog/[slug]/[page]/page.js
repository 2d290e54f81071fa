// An open page with two parameters, which takes no other values than those that it is built with.
export const dynamicParams = false;

export function generateStaticParams() {
  return [{ slug: "first", page: "2" }];
}

export default async function Blog({ params }) {
  return <h1>PUBLIC-MARK-blog-page {(await params).page}</h1>;
}
