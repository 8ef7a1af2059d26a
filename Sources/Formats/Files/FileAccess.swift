#if canImport(Darwin)
    import Darwin
#else
    import CFileSystem
    import Glibc
#endif

/// How tensor data are read from a file (`formats.md` §12.7).
///
/// Headers are always read through the mapping: they are small, and are looked at out of order.
public enum FileAccess: String, Sendable, Hashable, CaseIterable {
    /// By mapping on local file systems, by reading on those where page faults cross a network or another process.
    case automatic = "auto"
    /// Through the mapping: no copy, and pages are shared with other processes.
    case mapping = "mmap"
    /// In large pieces into memory: fast on network file systems, and a file that shrinks is an error like any other.
    case reading = "pread"

    /// Bytes that one read asks for; each thread that streams has one buffer of this size.
    static let readBytes = 4 << 20

    /// Whether data of the open file are to be read rather than mapped.
    func usesReading(descriptor: Int32) -> Bool {
        switch self {
        case .automatic: Self.isRemote(descriptor: descriptor)
        case .mapping: false
        case .reading: true
        }
    }

    #if canImport(Darwin)
        private static func isRemote(descriptor: Int32) -> Bool {
            var status = statfs()
            return fstatfs(descriptor, &status) == 0 && status.f_flags & UInt32(MNT_LOCAL) == 0
        }
    #else
        /// File systems on which a page fault asks a network, a host or a process for every few pages, by the number
        /// that `statfs` gives: NFS, SMB, CIFS, FUSE and virtiofs, 9P, overlayfs, Ceph, Lustre, AFS, GPFS, BeeGFS,
        /// OrangeFS, VirtualBox folders.
        static let remoteKinds: Set<UInt32> = [
            0x6969, 0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x6573_5546, 0x0102_1997, 0x794C_7630, 0x00C3_6400, 0x0BD0_0BD0,
            0x5346_414F, 0x4750_4653, 0x1983_0326, 0x2003_0528, 0x786F_4256,
        ]

        private static func isRemote(descriptor: Int32) -> Bool {
            var status = statfs()
            return fstatfs(descriptor, &status) == 0
                && remoteKinds.contains(UInt32(truncatingIfNeeded: status.f_type))
        }
    #endif
}
