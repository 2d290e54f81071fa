package routes

// Build is what a Next.js build knows about its own paths.
type Build struct {
	basePath string
	locales  []string
}

func (t *Table) anyOwnerOpen(string) bool { return false }
