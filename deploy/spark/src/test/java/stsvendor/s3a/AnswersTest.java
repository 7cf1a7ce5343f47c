package stsvendor.s3a;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is made of everything a server can answer that is not what a gateway answers. */
class AnswersTest {
    private static final String TOKEN = "vlt_aaaaaaaaaaaaaaaaaaaa_bbbb";

    @TempDir
    Path folder;

    private final AtomicReference<String> authorization = new AtomicReference<>();
    private HttpServer server;
    private int status = 200;
    private String body = "";
    private String location;

    @BeforeEach
    void serve() throws Exception {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            authorization.set(exchange.getRequestHeaders().getFirst("authorization"));
            if (location != null) {
                exchange.getResponseHeaders().add("location", location);
            }
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            try (exchange) {
                exchange.getResponseBody().write(bytes);
            }
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private Gateway gateway() throws Exception {
        Path file = folder.resolve("token");
        Files.writeString(file, TOKEN);
        Configuration conf = new Configuration(false);
        conf.set("fs.s3a.vendor.gateway", "http://127.0.0.1:" + server.getAddress().getPort() + "/");
        conf.set("fs.s3a.vendor.lease.token.file", file.toString());
        return new Gateway(Settings.of(URI.create("s3a://b"), conf));
    }

    @Test
    void keysAreReadAndTheTokenGoesIntoTheHeader() throws Exception {
        body = "{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\\u002f\",\"Token\":\"T\","
                + "\"Expiration\":\"2026-01-01T00:00:00Z\",\"new\":[1,{\"x\":null}]}";
        Source.Answer answer = gateway().get();
        assertEquals("A", answer.credentials().accessKeyId());
        assertEquals("S/", answer.credentials().secretAccessKey());
        assertEquals("T", answer.credentials().sessionToken());
        assertEquals("Bearer " + TOKEN, authorization.get());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "401 | {\"code\":\"invalid_token\",\"message\":\"No.\"} | valid token",
        "403 | {\"code\":\"nothing_granted\",\"message\":\"No.\"} | steward",
        "410 | {\"code\":\"lease_ended\",\"message\":\"No.\"} | new one",
        "403 | {\"error\":{\"message\":\"No.\",\"remedy\":\"Ask Ann.\"}} | Ask Ann.",
        "404 | <html> | fs.s3a.vendor.gateway",
        "200 | <html> | fs.s3a.vendor.gateway",
        "302 | <html> | fs.s3a.vendor.gateway",
        "200 | [] | fs.s3a.vendor.gateway",
        "200 | {\"AccessKeyId\":\"A\"} x | fs.s3a.vendor.gateway",
    })
    void aRefusalSaysWhatToDo(int given, String text, String remedy) throws Exception {
        status = given;
        body = text;
        location = given == 302 ? "http://127.0.0.1:1/" : null;
        Gateway gateway = gateway();
        Source.Refused refused = assertThrows(Source.Refused.class, gateway::get);
        assertTrue(refused.getMessage().contains(remedy), refused.getMessage());
        assertFalse(refused.getMessage().contains(TOKEN));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "503 | {\"code\":\"state_unavailable\",\"message\":\"Redis.\"}",
        "429 | {\"code\":\"too_many_requests\",\"message\":\"Slow.\"}",
        "502 | <html>",
        "200 | {\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Token\":\"T\",\"Expiration\":\"soon\"}",
        "200 | {\"AccessKeyId\":\"A\",\"SecretAccessKey\":7,\"Token\":\"T\",\"Expiration\":\"2026-01-01T00:00:00Z\"}",
        "200 | {}",
    })
    void whatWillPassIsNoRefusal(int given, String text) throws Exception {
        status = given;
        body = text;
        Gateway gateway = gateway();
        assertThrows(Source.Unavailable.class, gateway::get);
    }

    @Test
    void anEndlessAnswerIsCut() throws Exception {
        body = "{\"x\":\"" + "x".repeat(LimitedBody.MOST_BYTES) + "\"}";
        Gateway gateway = gateway();
        assertThrows(Source.Unavailable.class, gateway::get);
    }

    @Test
    void nobodyThereIsUnavailable() throws Exception {
        Gateway gateway = gateway();
        server.stop(0);
        assertThrows(Source.Unavailable.class, gateway::get);
    }

    @ParameterizedTest
    @CsvSource({"''", "'two words'", "'vlt_x\ny'", "eyJ.identity.token"})
    void whatIsNoLeaseTokenIsNotSent(String text) throws Exception {
        Gateway gateway = gateway();
        Files.writeString(folder.resolve("token"), text);
        Source.Refused refused = assertThrows(Source.Refused.class, gateway::get);
        assertTrue(text.isEmpty() || !refused.getMessage().contains(text), refused.getMessage());
        assertEquals(null, authorization.get());
    }

    @Test
    void aTokenFileThatOthersMayChangeIsNotUsed() throws Exception {
        Gateway gateway = gateway();
        Files.setPosixFilePermissions(
                folder.resolve("token"), java.nio.file.attribute.PosixFilePermissions.fromString("rw-rw-rw-"));
        assertTrue(assertThrows(Source.Refused.class, gateway::get).getMessage().contains("chmod 600"));
        Files.delete(folder.resolve("token"));
        assertTrue(assertThrows(Source.Refused.class, gateway::get).getMessage().contains("there is none"));
    }
}
