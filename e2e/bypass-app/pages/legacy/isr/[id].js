export function getStaticPaths() {
  return { paths: [], fallback: "blocking" };
}

export function getStaticProps({ params }) {
  return { props: { mark: "SECRET-MARK-legacy-isr", id: params.id }, revalidate: 60 };
}

export default function Page({ mark, id }) {
  return (
    <h1>
      {mark} {id}
    </h1>
  );
}
