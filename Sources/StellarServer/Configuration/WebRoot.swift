import Foundation

/// Finds the built web chat.
public enum WebRoot {
    /// `WEB_ROOT` if it is set, else `web` beside the program, else `frontend/dist` of the working directory. The first is taken as it is;
    /// of the others, the one that holds an `index.html`.
    public static func find(configured: String?, executable: String = CommandLine.arguments.first ?? "") -> String? {
        if let configured { return configured }
        let beside = URL(fileURLWithPath: executable).resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("web")
        return [beside.path, "frontend/dist"].first(where: hasIndex)
    }

    static func hasIndex(_ directory: String) -> Bool {
        FileManager.default.isReadableFile(atPath: directory + "/index.html")
    }
}
