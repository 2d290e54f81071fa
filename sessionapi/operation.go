package sessionapi

// operation is what a request asks for.
type operation int

const (
	show operation = iota
	refresh
	create
	update
	remove
	endAll
	endOthers
	list
)

// endsUnread reports whether the session ends even if nobody can tell whether it is still good.
func (asked operation) endsUnread() bool { return asked == remove || asked == endAll }

// ends reports whether some session ends, this one or others.
func (asked operation) ends() bool { return asked.endsUnread() || asked == endOthers }

// validates reports whether the session must still be good: whoever signs out needs nobody's leave.
func (asked operation) validates() bool { return asked != create && asked != remove }

// needsSession reports whether it is nothing to whoever is not signed in.
func (asked operation) needsSession() bool {
	return asked == refresh || asked == update || asked == list
}

// operationsBelow are those with a path of their own below the API's.
var operationsBelow = map[string]operation{"/all": endAll, "/others": endOthers, "/list": list}
