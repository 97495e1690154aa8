class Conversation
  def initialize(session) = @session = session

  def turns = []

  def ask(text) = [{ "role" => "user", "content" => text }]
end
