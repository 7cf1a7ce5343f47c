package stsvendor.s3a;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A way to a server that can be cut, and counts who comes. */
final class Relay implements AutoCloseable {
    private final URI target;
    private final ServerSocket server;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    final AtomicInteger connections = new AtomicInteger();
    private volatile boolean cut;

    Relay(URI target) throws IOException {
        this.target = target;
        server = new ServerSocket(0, 512, InetAddress.getLoopbackAddress());
        start(this::accept);
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + server.getLocalPort());
    }

    void cut(boolean now) throws IOException {
        cut = now;
        for (Socket socket : now ? Set.copyOf(open) : Set.<Socket>of()) {
            socket.close();
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                connections.incrementAndGet();
                if (cut) {
                    client.close();
                    continue;
                }
                Socket onward = new Socket(target.getHost(), target.getPort());
                open.add(client);
                open.add(onward);
                start(() -> copy(client, onward));
                start(() -> copy(onward, client));
            }
        } catch (SocketException closed) {
            // the end
        } catch (IOException broken) {
            throw new IllegalStateException(broken);
        }
    }

    private static void copy(Socket from, Socket to) {
        try (from; to; InputStream in = from.getInputStream()) {
            in.transferTo(to.getOutputStream());
        } catch (IOException ended) {
            // either side has hung up
        }
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "relay");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        server.close();
        cut(true);
    }
}
