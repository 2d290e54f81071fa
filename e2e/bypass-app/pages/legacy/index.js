export function getServerSideProps({ params }) {
  return { props: { mark: "SECRET-MARK-legacy", id: params?.id ?? null } };
}

export default function Page({ mark, id }) {
  return (
    <h1>
      {mark} {id}
    </h1>
  );
}
