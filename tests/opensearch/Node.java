// One OpenSearch node for tests, on 127.0.0.1, until it is ended: java -cp 'LIB/*' Node.java PORT DIR
// It has no security plugin. The modules are on the class path, under names that differ by version.

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.codelibs.opensearch.runner.node.OpenSearchRunnerNode;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.plugins.Plugin;

public class Node {
    private static final List<String> MODULES = List.of(
            "org.opensearch.transport.Netty4",
            "org.opensearch.index.mapper.MapperExtras",
            "org.opensearch.index.reindex.Reindex",
            "org.opensearch.painless.Painless",
            "org.opensearch.geo.Geo");

    public static void main(String[] args) throws Exception {
        Path home = Path.of(args[1]).toAbsolutePath();
        Files.createDirectories(home.resolve("config"));
        Settings settings = Settings.builder()
                .put("path.home", home)
                .put("path.data", home.resolve("data"))
                .put("path.logs", home.resolve("logs"))
                .put("cluster.name", "siem-lake-tests")
                .put("node.name", "only")
                .put("discovery.type", "single-node")
                .put("network.host", "127.0.0.1")
                .put("http.port", args[0])
                .put("transport.port", "0")
                .put("cluster.routing.allocation.disk.threshold_enabled", false)
                .build();
        OpenSearchRunnerNode node = new OpenSearchRunnerNode(
                new Environment(settings, home.resolve("config")), modules());
        node.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (java.io.IOException error) {
                error.printStackTrace();
            }
        }));
        Thread.currentThread().join();
    }

    private static List<Class<? extends Plugin>> modules() throws ClassNotFoundException {
        List<Class<? extends Plugin>> found = new ArrayList<>();
        for (String name : MODULES) {
            Class<?> module;
            try {
                module = Class.forName(name + "ModulePlugin"); // OpenSearch 3
            } catch (ClassNotFoundException older) {
                module = Class.forName(name + "Plugin");
            }
            found.add(module.asSubclass(Plugin.class));
        }
        return found;
    }
}
