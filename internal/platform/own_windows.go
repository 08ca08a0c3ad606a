package platform

// checkOwn leaves it to the folder's access list.
func checkOwn(string) error { return nil }
