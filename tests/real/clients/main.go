// From POST to download by the client that oapi-codegen made: both doors, then a refusal.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"example.com/clients/verbatim"
	"github.com/oapi-codegen/runtime/types"
)

func day(text string) types.Date {
	at, err := time.Parse("2006-01-02", text)
	check(err)
	return types.Date{Time: at}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func save(name string, body []byte) { check(os.WriteFile(name, body, 0o600)) }

func main() {
	ctx, workspace := context.Background(), os.Getenv("WORKSPACE")
	key := func(_ context.Context, request *http.Request) error {
		request.Header.Set("X-API-Key", os.Getenv("KEY"))
		return nil
	}
	client, err := verbatim.NewClientWithResponses(os.Getenv("BASE"), verbatim.WithRequestEditorFn(key))
	check(err)

	all, format := true, verbatim.ExportFormatNdjson
	created, err := client.CreateExportWithResponse(ctx, workspace, nil, verbatim.Specification{
		Select: verbatim.Selection{All: &all}, Format: &format})
	check(err)
	if created.JSON202 == nil {
		log.Fatal(created.Status(), string(created.Body))
	}
	id, prefer := created.JSON202.ExportId.String(), "wait=20"
	export := created.JSON202
	for export.Status != verbatim.ExportStatusFinished {
		read, err := client.ReadExportWithResponse(ctx, workspace, id, &verbatim.ReadExportParams{Prefer: &prefer})
		check(err)
		export = read.JSON200
	}
	file, err := client.DownloadExportWithResponse(ctx, workspace, id, nil)
	check(err)
	save("native", file.Body)

	channel := os.Getenv("CHANNEL")
	job, err := client.CreateConversationExportWithResponse(ctx, workspace, verbatim.ConversationExportRequest{
		ChannelId: &channel, StartDate: day("2026-01-01"), EndDate: day("2026-06-30")})
	check(err)
	for {
		polled, err := client.ReadConversationExportWithResponse(ctx, workspace, job.JSON202.ExportJobId.String())
		check(err)
		if polled.JSON200.Status == verbatim.ExportJobStatusFinished {
			answer, err := http.Get(*polled.JSON200.PresignedUrl)
			check(err)
			body, err := io.ReadAll(answer.Body)
			check(err)
			save("main", body)
			break
		}
		time.Sleep(50 * time.Millisecond)
	}

	refused, err := client.CreateExportWithResponse(ctx, workspace, nil, verbatim.Specification{})
	check(err)
	place, err := refused.JSON422.Detail[0].Loc[1].AsValidationProblemLocation0()
	check(err)
	fmt.Println(strings.TrimSpace(refused.Status()), place)
}
