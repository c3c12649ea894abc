//! DynamoDB as far as a signer needs it: one row, as it is now.

use std::collections::HashMap;
use std::time::Instant;

use lambda_kit::{Environment, StartError};
use serde::Deserialize;
use serde_json::json;

use crate::AwsError;
use crate::client::Client;
use crate::wire::Service;

static SERVICE: Service = Service {
    name: "dynamodb",
    endpoint_variable: "AWS_ENDPOINT_URL_DYNAMODB",
    target: "DynamoDB_20120810",
    content_type: "application/x-amz-json-1.0",
};

/// Rows of one table.
#[derive(Debug)]
pub struct Rows {
    client: Client,
    table: String,
}

impl Rows {
    /// `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL` where it is elsewhere than in the region. Opens no connection.
    pub fn from_environment(environment: &Environment, table: &str) -> Result<Self, StartError> {
        Ok(Self {
            client: Client::from_environment(environment, &SERVICE)?,
            table: table.to_owned(),
        })
    }

    /// Texts and numbers (in DynamoDB's decimal form) among the fields `names` of the row under `pk` and `sk`, read
    /// consistently; `None` where there is no row.
    pub async fn fields<const N: usize>(
        &self,
        (pk, sk): (&str, &str),
        names: [&'static str; N],
        deadline: Instant,
    ) -> Result<Option<[Option<String>; N]>, AwsError> {
        // Placeholders, since names such as `size` are words of DynamoDB's own.
        let placeholders: Vec<String> = (0..N).map(|at| format!("#f{at}")).collect();
        let request = json!({
            "TableName": self.table,
            "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
            "ConsistentRead": true,
            "ProjectionExpression": placeholders.join(", "),
            "ExpressionAttributeNames": placeholders.iter().zip(names).collect::<HashMap<_, _>>(),
        });
        let answer: GotItem = self.client.call("GetItem", &request, deadline).await?;
        let Some(mut item) = answer.item else {
            return Ok(None);
        };
        Ok(Some(names.map(|name| item.remove(name)?.text())))
    }
}

#[derive(Deserialize)]
struct GotItem {
    #[serde(rename = "Item")]
    item: Option<HashMap<String, Attribute>>,
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(rename = "S")]
    text: Option<String>,
    #[serde(rename = "N")]
    number: Option<String>,
}

impl Attribute {
    fn text(self) -> Option<String> {
        self.text.or(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::fake_service::FakeService;

    async fn asked(answer: (u16, &str)) -> (Result<Option<[Option<String>; 3]>, AwsError>, String) {
        let fake = FakeService::answering(&[answer]).await;
        let rows = Rows::from_environment(&fake.environment(), "rows").unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let row = rows
            .fields(("ledger#lock", "-"), ["size", "root", "staged"], deadline)
            .await;
        (row, fake.asked().concat())
    }

    #[tokio::test]
    async fn reads_texts_and_numbers_of_one_row_consistently() {
        let found = r#"{"Item":{"size":{"N":"7"},"root":{"S":"ab"}}}"#;
        let (row, request) = asked((200, found)).await;
        let fields = [Some("7".to_owned()), Some("ab".to_owned()), None];
        assert_eq!(row.unwrap(), Some(fields));
        for part in [
            "x-amz-target: DynamoDB_20120810.GetItem\r\n",
            "content-type: application/x-amz-json-1.0\r\n",
            "/dynamodb/aws4_request",
            r#""ConsistentRead":true"#,
            r##""ProjectionExpression":"#f0, #f1, #f2""##,
            r#""Key":{"pk":{"S":"ledger#lock"},"sk":{"S":"-"}}"#,
        ] {
            assert!(request.contains(part), "{part} in {request}");
        }
    }

    #[tokio::test]
    async fn tells_no_row_from_no_answer() {
        assert_eq!(asked((200, "{}")).await.0.unwrap(), None);
        let refused = asked((400, r#"{"__type":"x#ResourceNotFoundException"}"#)).await;
        assert!(matches!(refused.0, Err(AwsError::Refused { .. })));
        let unexpected = asked((200, "[]")).await;
        assert!(matches!(unexpected.0, Err(AwsError::Unexpected { .. })));
    }
}
