class ChatMemory
  include Singleton

  def initialize
    @turns = {}
  end
end
