//! The least that a Rust function on Lambda can be: asks for an event, answers `null`, asks again. Standard library
//! alone, compiled by `bench-lambda.ts`: what our functions take beyond it is their own.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn main() -> std::io::Result<()> {
    let host = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("the platform names its API");
    let stream = TcpStream::connect(&host)?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let api = "/2018-06-01/runtime/invocation";
    loop {
        let next = format!("GET {api}/next HTTP/1.1\r\nhost: {host}\r\n\r\n");
        writer.write_all(next.as_bytes())?;
        let id = read_answer(&mut reader)?;
        let head = format!("POST {api}/{id}/response HTTP/1.1\r\nhost: {host}");
        writer.write_all(format!("{head}\r\ncontent-length: 4\r\n\r\nnull").as_bytes())?;
        read_answer(&mut reader)?;
    }
}

/// Reads one answer to its end; the request id of its header if it has one.
fn read_answer(reader: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let (mut id, mut length, mut line) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            std::process::exit(0);
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line == "\r\n" {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "lambda-runtime-aws-request-id" => id = value.to_owned(),
            "content-length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(id)
}
