RSpec.describe "Conversation" do
  it("asks") { expect(1).to eq(1) }
end
