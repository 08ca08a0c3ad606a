package main

import (
	"bytes"
	"context"
	"encoding/json"

	"lanyard/internal/cloud"
)

// flat lifts a document's properties to its top, as az prints most resources.
func flat(doc json.RawMessage, err error) (json.RawMessage, error) {
	if err != nil || len(doc) == 0 {
		return doc, err
	}
	var m map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		return nil, err
	}
	if properties, ok := m["properties"].(map[string]any); ok {
		delete(m, "properties")
		for k, v := range properties {
			m[k] = v
		}
	}
	return json.Marshal(m)
}

// flatList lists a collection of the management API, each document flat.
func (c *client) flatList(ctx context.Context, path, version string) ([]json.RawMessage, error) {
	docs, err := c.list(ctx, path, version)
	if err != nil {
		return nil, err
	}
	for i, d := range docs {
		if docs[i], err = flat(d, nil); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// decode reads a document; none leaves what it is read into as it was.
func decode(doc json.RawMessage, into any) error {
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil
	}
	return json.Unmarshal(doc, into)
}

// nameOf gives the last segment of the id in a document.
func nameOf(doc json.RawMessage) string {
	var d struct {
		ID cloud.ID `json:"id"`
	}
	if json.Unmarshal(doc, &d) != nil {
		return ""
	}
	return d.ID.Name()
}
