// Runs those controllers of cert-manager that a self-signed authority and its certificates need, and cert-manager's own webhook. Its
// command is a module of its own that no proxy serves; this file is built inside the module that has everything else.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"k8s.io/klog/v2"

	"github.com/cert-manager/cert-manager/internal/apis/config/shared"
	config "github.com/cert-manager/cert-manager/internal/apis/config/webhook"
	"github.com/cert-manager/cert-manager/internal/webhook"
	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/logs"
)

// Workers of each controller, as its command has them.
const workers = 5

var names = []string{
	issuers.ControllerName,
	trigger.ControllerName,
	keymanager.ControllerName,
	requestmanager.ControllerName,
	issuing.ControllerName,
	readiness.ControllerName,
	revisionmanager.ControllerName,
	approver.ControllerName,
	ca.CRControllerName,
	selfsigned.CRControllerName,
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	// Libraries have put flags of theirs among those of the command line.
	flags := flag.NewFlagSet("cert-manager", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "the cluster")
	namespace := flags.String("namespace", "cert-manager", "where the authority of the webhook is kept")
	name := flags.String("webhook", "cert-manager-webhook", "the Service of the webhook")
	port := flags.Int("port", 0, "where the webhook listens")
	health := flags.Int("health-port", 0, "where the webhook says that it is well")
	flags.Parse(os.Args[1:])
	log := klog.Background()
	ctx := logs.NewContext(context.Background(), log)

	factory := must(controller.NewContextFactory(ctx, controller.ContextOptions{
		Kubeconfig:    *kubeconfig,
		IssuerOptions: controller.IssuerOptions{ClusterResourceNamespace: *namespace},
		CertificateOptions: controller.CertificateOptions{
			CertificateRequestMinimumBackoffDuration: time.Hour,
			CertificateRequestMaximumBackoffDuration: 32 * time.Hour,
		},
	}))
	failed := make(chan error)
	base := must(factory.Build())
	for _, name := range names {
		run := must(controller.Known()[name](factory))
		go func() { failed <- run.Run(workers, ctx) }()
	}
	base.SharedInformerFactory.Start(ctx.Done())
	base.KubeSharedInformerFactory.Start(ctx.Done())

	certificates := shared.DynamicServingConfig{
		SecretNamespace: *namespace,
		SecretName:      *name + "-ca",
		DNSNames:        []string{*name + "." + *namespace + ".svc"},
		LeafDuration:    24 * time.Hour,
	}
	server := must(webhook.NewCertManagerWebhookServer(log, config.WebhookConfiguration{
		KubeConfig:           *kubeconfig,
		SecurePort:           int32(*port),
		HealthzPort:          int32(*health),
		MetricsListenAddress: "0",
		TLSConfig:            shared.TLSConfig{Dynamic: certificates},
	}))
	go func() { failed <- server.Run(ctx) }()
	fmt.Fprintln(os.Stderr, <-failed)
	os.Exit(1)
}
