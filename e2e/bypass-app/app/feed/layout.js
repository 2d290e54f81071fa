export default function FeedLayout({ children, modal }) {
  return (
    <>
      {children}
      {modal}
    </>
  );
}
