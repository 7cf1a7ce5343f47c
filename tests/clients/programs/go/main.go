// AWS SDK for Go v2 with its default chain of credentials; what it does is what loop.py does.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

var bucket = os.Getenv("CLIENT_BUCKET")
var denied = regexp.MustCompile(`AccessDenied|Forbidden|\b403\b`)

func main() {
	ctx := context.Background()
	loaded, err := config.LoadDefaultConfig(ctx)
	check(err)
	client := s3.NewFromConfig(loaded, func(options *s3.Options) {
		options.BaseEndpoint = aws.String(os.Getenv("CLIENT_ENDPOINT"))
		options.UsePathStyle = true
	})
	put := func(key, content string) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)})
		return err
	}
	get := func(key string) (string, error) {
		found, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return "", err
		}
		defer found.Body.Close()
		content, err := io.ReadAll(found.Body)
		return string(content), err
	}
	seconds, err := strconv.ParseFloat(os.Getenv("CLIENT_SECONDS"), 64)
	check(err)
	rounds := 0
	for began := time.Now(); time.Since(began).Seconds() < seconds; rounds++ {
		content := fmt.Sprintf("round %d", rounds)
		check(put(os.Getenv("CLIENT_INSIDE")+"round", content))
		found, err := get(os.Getenv("CLIENT_INSIDE") + "round")
		check(err)
		if found != content {
			check(fmt.Errorf("read something else than was written"))
		}
		time.Sleep(300 * time.Millisecond)
	}
	_, read := get(os.Getenv("CLIENT_OUTSIDE") + "hello.txt")
	wrote := put(os.Getenv("CLIENT_OUTSIDE")+"mine", "x")
	refused := read != nil && wrote != nil && denied.MatchString(read.Error()) && denied.MatchString(wrote.Error())
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{"version": aws.SDKVersion, "rounds": rounds, "denied": refused}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
