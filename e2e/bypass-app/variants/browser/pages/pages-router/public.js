export function getServerSideProps() {
  return { props: {} };
}

export default function Page() {
  return <h1>Public page of the Pages Router</h1>;
}
