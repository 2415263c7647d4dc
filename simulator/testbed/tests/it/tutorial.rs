//! The tutorial, which checks every step itself.

#[path = "../../examples/tutorial/assets.rs"]
mod assets;
#[path = "../../examples/tutorial/conditions.rs"]
mod conditions;
#[path = "../../examples/tutorial/driver.rs"]
mod driver;
#[path = "../../examples/tutorial/stage.rs"]
mod stage;

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_out_as_the_documentation_says() {
    let mut told = Vec::new();
    let outcome = stage::play(&mut told).await;
    let told = String::from_utf8(told).unwrap();
    assert!(outcome.is_ok(), "{}\n{told}", outcome.unwrap_err());
    let chapters: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let expected = [
        "Create a digital asset",
        "Transfer the digital asset",
        "Double spends",
        "Multiple owners",
        "Multiple inputs and outputs",
        "Threshold conditions",
        "Hash-locked conditions",
        "Timeout conditions",
        "Escrow",
        "The driver API",
    ];
    assert_eq!(chapters, expected);
    assert!(told.lines().filter(|line| line.trim() == "status: valid").count() >= 15, "{told}");
    assert!(told.ends_with("Everything came out as the documentation says.\n"), "{told}");
}
