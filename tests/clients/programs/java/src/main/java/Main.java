// AWS SDK for Java v2 with its default chain of credentials; what it does is what loop.py does.

import java.net.URI;
import java.util.Map;
import java.util.regex.Pattern;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.core.util.VersionInfo;
import software.amazon.awssdk.services.s3.S3Client;

public class Main {
    static final Map<String, String> ENV = System.getenv();
    static final Pattern DENIED = Pattern.compile("AccessDenied|Access Denied|Forbidden|\\b403\\b");

    interface Call {
        void run();
    }

    static boolean refused(Call call) {
        try {
            call.run();
        } catch (RuntimeException problem) {
            if (DENIED.matcher(String.valueOf(problem.getMessage())).find()) return true;
            System.err.println("refused in another way: " + problem);
        }
        return false;
    }

    public static void main(String[] arguments) throws Exception {
        var s3 = S3Client.builder()
                .endpointOverride(URI.create(ENV.get("CLIENT_ENDPOINT")))
                .forcePathStyle(true)
                .build();
        var bucket = ENV.get("CLIENT_BUCKET");
        var until = System.nanoTime() + (long) (Double.parseDouble(ENV.get("CLIENT_SECONDS")) * 1e9);
        var key = ENV.get("CLIENT_INSIDE") + "round";
        int rounds = 0;
        for (; System.nanoTime() < until; rounds++) {
            var content = "round " + rounds;
            s3.putObject(request -> request.bucket(bucket).key(key), RequestBody.fromString(content));
            var found = s3.getObjectAsBytes(request -> request.bucket(bucket).key(key)).asUtf8String();
            if (!found.equals(content)) throw new IllegalStateException("read something else than was written");
            Thread.sleep(300);
        }
        var outside = ENV.get("CLIENT_OUTSIDE");
        var denied = refused(() -> s3.getObjectAsBytes(request -> request.bucket(bucket).key(outside + "hello.txt")))
                && refused(() -> s3.putObject(
                        request -> request.bucket(bucket).key(outside + "mine"), RequestBody.fromString("x")));
        System.out.printf(
                "{\"version\": \"%s\", \"rounds\": %d, \"denied\": %s}%n", VersionInfo.SDK_VERSION, rounds, denied);
    }
}
