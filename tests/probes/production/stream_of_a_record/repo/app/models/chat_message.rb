ChatMessage = Data.define(:role, :content) do
  def to_partial_path = "messages/message"
end
