export function getServerSideProps({ params }) {
  return { props: { mark: "PUBLIC-MARK-legacypub", id: params?.id ?? null } };
}

export default function Page({ mark, id }) {
  return (
    <h1>
      {mark} {id}
    </h1>
  );
}
