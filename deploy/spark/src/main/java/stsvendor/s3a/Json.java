package stsvendor.s3a;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Just enough JSON for the gateway's answers, so that the jar needs no library that Spark may have in another version. */
final class Json {
    private static final int DEEPEST = 32;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** The text is not JSON, or not an object. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed() {
            super("not a JSON object");
        }
    }

    static Map<String, Object> object(String text) throws Malformed {
        Json json = new Json(text);
        Object value = json.value(0);
        json.blanks();
        if (json.at != text.length() || !(value instanceof Map<?, ?> map)) {
            throw new Malformed();
        }
        return members(map);
    }

    static Map<String, Object> members(Map<?, ?> map) {
        Map<String, Object> members = new LinkedHashMap<>();
        map.forEach((name, value) -> members.put(String.valueOf(name), value));
        return members;
    }

    static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < 0x20 || c > 0x7e) {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }

    private Object value(int depth) throws Malformed {
        if (depth > DEEPEST) {
            throw new Malformed();
        }
        blanks();
        return switch (peek()) {
            case '{' -> members(depth);
            case '[' -> items(depth);
            case '"' -> string();
            case 't' -> word("true", Boolean.TRUE);
            case 'f' -> word("false", Boolean.FALSE);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, Object> members(int depth) throws Malformed {
        Map<String, Object> found = new LinkedHashMap<>();
        at++;
        if (isNext('}')) {
            return found;
        }
        do {
            blanks();
            String name = string();
            if (!isNext(':')) {
                throw new Malformed();
            }
            found.put(name, value(depth + 1));
        } while (isNext(','));
        return ended('}', found);
    }

    private List<Object> items(int depth) throws Malformed {
        List<Object> found = new ArrayList<>();
        at++;
        if (isNext(']')) {
            return found;
        }
        do {
            found.add(value(depth + 1));
        } while (isNext(','));
        return ended(']', found);
    }

    private <T> T ended(char end, T found) throws Malformed {
        if (!isNext(end)) {
            throw new Malformed();
        }
        return found;
    }

    private String string() throws Malformed {
        if (peek() != '"') {
            throw new Malformed();
        }
        StringBuilder found = new StringBuilder();
        for (at++; peek() != '"'; at++) {
            char c = peek();
            if (c < 0x20) {
                throw new Malformed();
            }
            found.append(c == '\\' ? escaped() : c);
        }
        at++;
        return found.toString();
    }

    private char escaped() throws Malformed {
        at++;
        char c = peek();
        int plain = "\"\\/bfnrt".indexOf(c);
        if (plain >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(plain);
        }
        if (c != 'u' || at + 5 > text.length()) {
            throw new Malformed();
        }
        try {
            char found = (char) Integer.parseInt(text.substring(at + 1, at + 5), 16);
            at += 4;
            return found;
        } catch (NumberFormatException notOne) {
            throw new Malformed();
        }
    }

    private Double number() throws Malformed {
        int from = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        try {
            return Double.valueOf(text.substring(from, at));
        } catch (NumberFormatException notOne) {
            throw new Malformed();
        }
    }

    private Object word(String word, Object meaning) throws Malformed {
        if (!text.startsWith(word, at)) {
            throw new Malformed();
        }
        at += word.length();
        return meaning;
    }

    private boolean isNext(char wanted) throws Malformed {
        blanks();
        if (peek() != wanted) {
            return false;
        }
        at++;
        return true;
    }

    private void blanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() throws Malformed {
        if (at >= text.length()) {
            throw new Malformed();
        }
        return text.charAt(at);
    }
}
