package arm

import (
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// claim gives the changes by which the resource comes to hold exactly the host names in c.Hosts.
// A name that another resource holds refuses the whole change; one that is claimed at the same
// moment makes the transaction fail, and the next attempt sees its holder.
func (e *Engine) claim(c *Change) ([]store.Change, error) {
	var wanted []string
	for _, host := range c.Hosts {
		wanted = append(wanted, strings.ToLower(host))
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	var changes []store.Change
	for _, host := range wanted {
		entry, taken := e.names.Get(cloud.NameKey(host))
		switch {
		case !taken:
			changes = append(changes, store.Change{Key: cloud.NameKey(host), Value: []byte(c.ID.String())})
		case strings.EqualFold(string(entry.Value), c.ID.String()):
			changes = append(changes, store.Change{Key: entry.Key, If: entry.Revision, Check: true})
		case c.HostTaken != nil:
			return nil, c.HostTaken
		default:
			return nil, fault.New(fault.Conflict, "Conflict", "The name '%s' is already in use by another resource.", host)
		}
	}
	if c.Before != nil {
		for _, host := range c.Before.Hosts {
			entry, held := e.names.Get(cloud.NameKey(host))
			if held && !slices.Contains(wanted, host) && strings.EqualFold(string(entry.Value), c.ID.String()) {
				changes = append(changes, store.Change{Key: entry.Key, If: entry.Revision})
			}
		}
	}
	if c.After != nil {
		c.After.Hosts = wanted
	}
	return changes, nil
}
