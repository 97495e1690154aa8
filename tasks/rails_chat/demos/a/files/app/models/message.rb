# One thing said in a conversation, by the user or by the assistant.
Message = Data.define(:role, :content) do
  def self.user(content) = new(role: "user", content:)
  def self.assistant(content) = new(role: "assistant", content:)

  def user? = role == "user"
end
