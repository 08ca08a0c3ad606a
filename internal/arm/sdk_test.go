package arm

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
)

// sdkToken is the owner's token, as Azure's Go SDK takes it.
type sdkToken struct{}

func (sdkToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "owner", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func sdkOptions(s *httptest.Server) *azarm.ClientOptions {
	o := &azarm.ClientOptions{}
	o.Transport = s.Client()
	o.Cloud = azcloud.Configuration{Services: map[azcloud.ServiceName]azcloud.ServiceConfiguration{
		azcloud.ResourceManager: {Endpoint: s.URL, Audience: "https://management.azure.com"}}}
	return o
}

func sdkPut(ctx context.Context, c *azarm.Client, path, body string) (int, error) {
	r, err := azruntime.NewRequest(ctx, http.MethodPut, c.Endpoint()+path)
	if err != nil {
		return 0, err
	}
	if err := r.SetBody(streaming.NopCloser(strings.NewReader(body)), "application/json"); err != nil {
		return 0, err
	}
	answer, err := c.Pipeline().Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}
