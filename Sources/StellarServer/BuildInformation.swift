/// What runs.
public enum BuildInformation {
    /// The version of StellarChat.
    public static let version = "0.1.0"
}
