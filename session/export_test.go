package session

// OpenBothWays decrypts a token with the sealing key, directly and by go-jose,
// whatever its protected header says. ok is false for what has not the form of a
// token, which neither way ever sees.
func OpenBothWays(r *Keyring, token string) (direct, byGoJose []byte, directErr, goJoseErr error, ok bool) {
	parts, ok := cutCompact(token)
	if !ok {
		return nil, nil, nil, nil, false
	}
	k := (*r.keys.Load())[0]
	direct, directErr = k.openDirect(parts, []byte(parts.header))
	if goJoseErr = ErrMalformed; parts.canonical() {
		byGoJose, goJoseErr = k.open(token)
	}
	return direct, byGoJose, directErr, goJoseErr, true
}
