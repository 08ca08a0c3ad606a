package resources

import (
	"context"

	"lanyard/internal/arm"
	"lanyard/internal/provider"
)

// group is a resource group.
type group struct{ arm.Plain }

// Shape fills the one property there is; clients set none.
func (group) Shape(_ context.Context, c *arm.Change) error {
	p, err := provider.Read("properties", c.After.Properties)
	if err != nil {
		return err
	}
	p.Drop("provisioningState")
	if err := p.Close("properties"); err != nil {
		return err
	}
	p.Set("provisioningState", "Succeeded")
	c.After.Properties = p.Raw()
	return nil
}
