package session

// Forgo takes back what [Visitor.Slide] did, for a request that turned out not to
// be the user's own doing (a page that polls): its cookie is not sent, and other
// requests of the session do not get it either. What the Refresher has replaced
// stays: the app would be left with tokens that are used up. For a request that did
// not slide it only keeps the cookie of a parallel one that did from being sent
// along, as on a file that every visitor may share. Call it before the handoff is
// applied.
func (v *Visitor) Forgo() {
	if v.pending == nil || v.rotated {
		return
	}
	if v.slid != nil {
		if v.slid.made {
			v.manager.recent.withdraw(*v.pending, v.before)
		}
		v.session, v.token, v.slid = v.slid.session, v.slid.token, nil
	}
	// Also what a parallel request slid: that one sends it, if it is activity.
	v.pending = nil
}

// slid is what a visitor was before a slide.
type slid struct {
	session *Session
	token   string
	made    bool // by this request, not by a parallel one
}
