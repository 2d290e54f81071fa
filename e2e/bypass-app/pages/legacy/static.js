export function getStaticProps() {
  return { props: { mark: "SECRET-MARK-legacy-static" } };
}

export default function Page({ mark }) {
  return <h1>{mark}</h1>;
}
