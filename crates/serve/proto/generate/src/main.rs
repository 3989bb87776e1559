//! Generates the gRPC code and the descriptors that reflection serves; no `protoc` is needed.

use std::path::Path;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let out = proto.join("../src/grpc/generated");
    std::fs::create_dir_all(&out)?;
    let descriptors = protox::compile([proto.join("inference.proto")], [&proto])?;
    std::fs::write(out.join("inference.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .bytes(".")
        .out_dir(&out)
        .compile_fds(descriptors)?;
    // Not `.rs`: it is no file that a person wrote, formats or reads.
    std::fs::rename(out.join("inference.rs"), out.join("inference.rs.in"))?;
    Ok(())
}
