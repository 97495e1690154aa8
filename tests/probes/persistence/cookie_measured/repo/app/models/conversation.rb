class Conversation
  LIMIT = 3_000

  def initialize(session) = @session = session

  def add(turn)
    turns = [*@session[:messages], turn]
    turns.shift while turns.to_json.bytesize > LIMIT
    @session[:messages] = turns
  end
end
